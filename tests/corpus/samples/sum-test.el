(require 'buttercup)
(describe "a sum"
  (it "adds" (expect (+ 1 2) :to-equal 3)))
