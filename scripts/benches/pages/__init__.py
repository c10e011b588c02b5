"""What pages for people cost: their size, how long they take to write, and to show their first chart."""
