NEURON { SUFFIX leakage NONSPECIFIC_CURRENT i RANGE g, e }
PARAMETER { g = .001 (siemens/cm2) e = -65 (millivolt) }
ASSIGNED { i (milliamp/cm2) v (millivolt) }
UNITS { (mV) = (millivolt) (mA) = (milliamp) (S) = (siemens) }
BREAKPOINT { i = g*(v - e) }
