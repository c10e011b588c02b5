"""Prints how many descriptors a process may have before and after `allow_most`."""

import resource

from loadtests.runtime import resource_limits

resource.setrlimit(resource.RLIMIT_NOFILE, (300, 700))
before = resource_limits.allowed(), resource_limits.most()
resource_limits.allow_most()
print(before, resource_limits.allowed(), resource_limits.most())
