from invoke import task


@task
def hello(c, name="world"):
    print("hello", name)
