puts [clock format 0 -timezone :Europe/Prague]
