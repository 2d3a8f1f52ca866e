$(info hello $(words a b c))
all:
