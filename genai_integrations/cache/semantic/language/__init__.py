"""What a question says, as far as rules can read it: closed classes of words, numbers, roles, names in two scripts."""
