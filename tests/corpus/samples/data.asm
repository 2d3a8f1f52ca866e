        list p=16f84
        include "p16f84.inc"
        end
