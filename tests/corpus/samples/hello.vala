void main () { print ("hello\n"); }
