%lex
%%
\s+ /* skip */
[0-9]+ return 'NUMBER'
"+" return '+'
<<EOF>> return 'EOF'
/lex
%left '+'
%start line
%%
line : e EOF { return $1; } ;
e : e '+' e { $$ = $1 + $3; } | NUMBER { $$ = Number($1); } ;
