"""Still pictures: the plan's arithmetic and the parent's side of the sandboxed child (`darkroom/`), which alone touches their bytes."""
