Feature: sums
  Scenario: one and one
    Given the number 1
    When I add 1
    Then it is 2
