class Hello
rule
  target: WORD
end
