use Text::RewriteRules;
RULES small
a==>b
ENDRULES
print small("banana"), "\n";
