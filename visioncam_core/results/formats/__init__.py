"""File formats that an explanation is saved in, one small file each: options in, bytes out."""
