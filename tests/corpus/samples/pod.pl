=head1 NAME

hello - greets

=over

=item B<one>

The first.

=back

=cut
print "hello\n";
