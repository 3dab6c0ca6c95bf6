"""Turn texts into token numbers and word vectors."""
