"""What people may do with a running platform, as values that every face shows alike."""
