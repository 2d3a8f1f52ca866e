# frozen_string_literal: true

puts 'hello'
