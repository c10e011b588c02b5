"""What `peakproof har import` writes beside a storefront's draft."""
