"""Images, sound and files that spans speak of."""
