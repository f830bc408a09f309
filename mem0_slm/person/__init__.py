"""A user's own words told in third person, by rule."""
