q!
