<CsoundSynthesizer>
<CsInstruments>
sr = 8000
ksmps = 10
nchnls = 1
instr 1
a1 oscili 1000, 440
out a1
endin
</CsInstruments>
<CsScore>
f1 0 1024 10 1
i1 0 1
</CsScore>
</CsoundSynthesizer>
