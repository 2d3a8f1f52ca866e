say 1
