"""From a recorded visit (HAR 1.2) to a storefront's draft: what was asked, what it needs of the replies, the order."""
