"""What looks like a secret or like a person's in a reply, a page or a message, taken out before it is kept."""
