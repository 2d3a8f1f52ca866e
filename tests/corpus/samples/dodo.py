def greet():
    print("hello from doit")


def task_hello():
    return {'actions': [greet], 'verbosity': 2}
