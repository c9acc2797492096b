"""Networks of every kind people have, small."""
