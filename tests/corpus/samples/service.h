//gsoap ns service name: one
int ns__add(double a, double b, double *result);
