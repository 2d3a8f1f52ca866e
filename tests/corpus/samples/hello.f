      PROGRAM HELLO
      INTEGER I, S
      S = 0
      DO 10 I = 1, 10
        S = S + I
   10 CONTINUE
      PRINT *, 'SUM', S
      END
