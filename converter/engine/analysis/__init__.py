"""What can be measured of media: one decode for all that pictures tell, one for all that sound tells."""
