camera { location <0,0,-3> look_at 0 }
light_source { <2,4,-3> 1 }
sphere { 0, 1 pigment { rgb 1 } }
