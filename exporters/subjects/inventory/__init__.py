"""Units by SKU and location, where the web shop's number and the location's own count differ, and what that means."""
