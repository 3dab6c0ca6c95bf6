"""Find, download and unpack the files of data sets."""
