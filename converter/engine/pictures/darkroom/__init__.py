"""What touches the bytes of still pictures: runs alone in the sandbox, started by `pictures.develop`."""
