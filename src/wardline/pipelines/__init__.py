"""What a service declares in wardline.yaml, and the durable journey of a run along it."""
