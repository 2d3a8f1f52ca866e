require 'clockwork'
module Clockwork
  every(1.second, 'tick') { puts 'tick'; $stdout.flush; exit }
end
