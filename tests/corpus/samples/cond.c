#ifdef OLD
int old;
#else
int new_one;
#endif
