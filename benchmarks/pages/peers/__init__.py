"""What the product is measured beside: each shows the same table without being written for it."""
