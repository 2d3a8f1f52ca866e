import sys

print("hello", file=sys.stdout)
