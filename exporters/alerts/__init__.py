"""What is alerted on from the exporters' metrics, one module a subject; objectives' alerts are slo/rules/'."""
