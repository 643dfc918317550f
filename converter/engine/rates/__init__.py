"""How many bytes a picture gets: the encoders and their scales, sizes that are met, likeness that is measured."""
