s = Read from file: "/samples/tone16.wav"
d = Get total duration
writeInfoLine: "duration ", d
To Intensity: 100, 0, "yes"
m = Get mean: 0, 0, "energy"
appendInfoLine: "intensity ", m
