set f [open /out/mac.img w]
fconfigure $f -translation binary
puts -nonewline $f [string repeat "\0" 819200]
close $f
hfs format /out/mac.img 0 Corpus
set v [hfs mount /out/mac.img]
puts [$v vname]
$v umount
exit
