# A small class
class small {
  file { '/tmp/small':
    ensure  => file,
    content => 'hello',
  }
}
