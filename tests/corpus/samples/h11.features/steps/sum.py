from behave import given, when, then


@given("the number {n:d}")
def number(context, n):
    context.sum = n


@when("I add {n:d}")
def add(context, n):
    context.sum += n


@then("it is {n:d}")
def result(context, n):
    assert context.sum == n
