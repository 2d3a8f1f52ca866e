my $app = sub { [200, ['Content-Type' => 'text/plain'], ["hello\n"]] };
