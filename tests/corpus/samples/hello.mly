%token A
%start <int> main
%%
main: A { 1 }
