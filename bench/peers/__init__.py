"""The endpoints that ours is compared with."""
