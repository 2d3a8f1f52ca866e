NAME          data
ROWS
 N  COST
 L  LIM
COLUMNS
    X         COST      -1.0   LIM       1.0
RHS
    RHS       LIM       4.0
ENDATA
