from fabric import task
@task
def hello(c):
    """Says hello."""
    print("hello")
