"""Several operations one after another: which neighbours become one, and what each step will be given."""
