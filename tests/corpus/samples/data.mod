var x >= 0;
maximize z: x;
s.t. c: x <= 4;
end;
